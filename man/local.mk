# dist_man_MANS += man/mcpd.8
