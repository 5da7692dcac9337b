#!/bin/sh
# The entry point at the path that AWS's init images have.
exec /bin/sh /entrypoint.sh "$@"
