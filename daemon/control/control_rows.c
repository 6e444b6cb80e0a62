/* SPDX-License-Identifier: ISC */
/* control_rows.c: rows made one after the other, as fast as the operator reads them, and the error
 * where a name is not among the rows. */
#include "autoconf.h"

#include <stdlib.h>

#include "backend/backend.h"
#include "base/nearest.h"
#include "control/control_impl.h"

/* The producer behind control_rows(). */
struct rows {
	json_t *items;
	size_t next;
	control_make_row make;
};

void control_rows_pump(struct control_request *r)
{
	struct rows *rows = r->state;
	json_t *row;

	while (rows && control_has_room(r)) {
		if (rows->next == json_array_size(rows->items)) {
			control_rows_done(r);
			return;
		}
		row = NULL;
		if (rows->make(r, json_array_get(rows->items, rows->next++), &row) < 0) {
			control_fail_nomem(r);
			return;
		}
		if (row && !control_row(r, row))
			return;
	}
}

void control_rows_stop(struct control_request *r)
{
	struct rows *rows = r->state;

	r->state = NULL;
	if (!rows)
		return;
	json_decref(rows->items);
	free(rows);
}

void control_rows(struct control_request *r, json_t *items_take, control_make_row make)
{
	struct rows *rows = items_take ? calloc(1, sizeof *rows) : NULL;

	if (!rows) {
		json_decref(items_take);
		control_fail_nomem(r);
		return;
	}
	*rows = (struct rows){.items = items_take, .make = make};
	r->state = rows;
	control_rows_pump(r);
}

void control_no_backend(struct control_request *r, const char *name)
{
	const struct control_deps *deps = &r->control->deps;
	struct nearest nearest = nearest_begin(name);

	for (size_t i = 0; i < deps->n_backends; i++)
		nearest_look(&nearest, backend_name(deps->backends[i]));
	if (nearest.found)
		control_fail(r, CTL_NOTFOUND, "no backend \"%s\" (did you mean \"%s\"?)", name,
			     nearest.found);
	else
		control_fail(r, CTL_NOTFOUND, "no backend \"%s\": see backends list", name);
}
