#!/bin/sh
# SPDX-License-Identifier: MIT
# The library as a plug-in finds it.
set -eu
library=lib/.libs/libweir.so
[ -e "$library" ] || exit 77 # there is no shared one in this build
timeout 30 tests/build/dlopen "$library"
