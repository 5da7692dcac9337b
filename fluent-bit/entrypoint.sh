#!/bin/sh
# The image's entry point, at the path that AWS's image has.
exec /fluent-bit/bin/launch "$@"
