#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The story `make demo` tells, as a test.

exec bash "$(dirname "$0")/demo.sh"
