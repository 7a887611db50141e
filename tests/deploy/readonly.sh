#!/bin/sh
# readonly.sh UID ROOT DATA COMMAND...: run COMMAND as a user without a passwd entry, in an unshared root on
# which nothing but DATA can be written, without HOME. As a container with --read-only and --user would.
set -eu
uid=$1 root=$2 data=$3
shift 3
mount --make-rprivate /
mount --rbind / "$root"
# The deepest first: a mount below a read-only one stays writable until it is told otherwise.
awk -v root="$root" '$5 == root || index($5, root "/") == 1 { print $5 }' /proc/self/mountinfo |
    sort -r | while read -r place; do mount -o remount,bind,ro "$place" 2>/dev/null || true; done
mount --bind "$data" "$root$data"
mount -o remount,bind,rw "$root$data"
exec chroot --userspec="$uid:0" "$root" /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 \
    SHORTSTOP_HOME="$data" VENDOR_KEY=key "$@"
