/* SPDX-License-Identifier: ISC */
#include "mcpd.h"

int main(int argc, char **argv)
{
	return mcpd_main(argc, argv);
}
