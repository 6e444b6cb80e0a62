/* SPDX-License-Identifier: ISC */
#include "cli/mcpctl.h"

int main(int argc, char **argv)
{
	return mcpctl_main(argc, argv);
}
