#!/bin/sh
# SPDX-License-Identifier: MIT
# Make ./configure from configure.ac.
set -eu
cd "$(dirname "$0")"
mkdir -p m4
autoreconf --install --force --warnings=all,no-obsolete
