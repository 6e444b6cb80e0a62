/* SPDX-License-Identifier: ISC */
#include "failalloc.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static long countdown; /* 0: off */
static bool staying, hit, held;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
	if (countdown == 0 || held)
		return false;
	if (countdown > 1) {
		countdown--;
		return false;
	}
	hit = true;
	if (!staying)
		countdown = 0;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

void failalloc_install(void)
{
	json_set_alloc_funcs(__wrap_malloc, free);
	event_set_mem_functions(__wrap_malloc, __wrap_realloc, free);
}

void failalloc_at(long n, bool stay)
{
	countdown = n;
	staying = stay;
	hit = held = false;
}

void failalloc_hold(bool hold)
{
	held = hold;
}

bool failalloc_off(void)
{
	countdown = 0;
	return hit;
}
