# SPDX-License-Identifier: ISC
# Tests of the running daemon: each is a program that starts an mcpd of its own and stands alone, so
# that make -j runs them side by side.
EXTRA_DIST += tests/integration/harness.py tests/integration/wire.py
# Servers that misbehave as told, or start fast. Unit tests use them too.
EXTRA_DIST += tests/integration/fakeserver.py tests/integration/tinyserver.sh
EXTRA_DIST += tests/integration/webserver.py tests/integration/fakeissuer.py
EXTRA_DIST += tests/integration/modernserver.py tests/integration/rawserver.py
# One that is of a certain revision.
EXTRA_DIST += tests/integration/shapes.py
EXTRA_DIST += tests/integration/fakeupstream.py
EXTRA_DIST += tests/integration/nodesetting.py tests/integration/node/modern-server.mjs
# An authorization server, and a client that logs in there: test_login.py.
EXTRA_DIST += tests/integration/node/issuer.mjs tests/integration/node/login-client.mjs
# Real clients and servers: test_node.py. What npm installs there is not distributed.
EXTRA_DIST += tests/integration/node/package.json tests/integration/node/package-lock.json \
	tests/integration/node/.npmrc tests/integration/node/client.mjs

integration_tests = \
	tests/integration/test_addresses.py \
	tests/integration/test_bad_children.py \
	tests/integration/test_bad_input.py \
	tests/integration/test_budget.py \
	tests/integration/test_crash.py \
	tests/integration/test_credentials.py \
	tests/integration/test_exact.py \
	tests/integration/test_exec.py \
	tests/integration/test_features.py \
	tests/integration/test_gate.py \
	tests/integration/test_auth.py \
	tests/integration/test_lenient.py \
	tests/integration/test_lifecycle.py \
	tests/integration/test_login.py \
	tests/integration/test_many_sessions.py \
	tests/integration/test_merged.py \
	tests/integration/test_modern.py \
	tests/integration/test_modern_servers.py \
	tests/integration/test_node.py \
	tests/integration/test_peers_children.py \
	tests/integration/test_peers_sessions.py \
	tests/integration/test_restart.py \
	tests/integration/test_sandbox.py \
	tests/integration/test_scopes.py \
	tests/integration/test_token_end.py \
	tests/integration/test_shapes.py \
	tests/integration/test_shares.py \
	tests/integration/test_sloppy.py \
	tests/integration/test_streams.py \
	tests/integration/test_upstream.py \
	tests/integration/test_upstream_node.py \
	tests/integration/test_users.py \
	tests/integration/test_web.py
dist_check_SCRIPTS += $(integration_tests)
if HAVE_PYTHON
TESTS += $(integration_tests)
endif
