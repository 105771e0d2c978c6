#!/bin/sh
# Writes which image is installed: pin-image.sh <name>@sha256:<digest>. Run it where an image has been built and pushed.
set -eu
image=${1-}
case $image in
  ?*@sha256:*) ;;
  *) echo "pin-image.sh: expected <name>@sha256:<digest>, got '$image'" >&2; exit 2 ;;
esac
name=${image%@*}
digest=${image##*:}
case $name$digest in
  *[!A-Za-z0-9._:/-]*) echo "pin-image.sh: expected the name of an image, got '$name'" >&2; exit 2 ;;
esac
if [ ${#digest} -ne 64 ] || [ -n "$(printf '%s' "$digest" | tr -d 0-9a-f)" ]; then
  echo "pin-image.sh: expected 64 hexadecimal digits, got '$digest'" >&2
  exit 2
fi
file=$(dirname "$0")/install/kustomization.yaml
pinned=$(sed \
  -e "s|^    newName: .*|    newName: $name|" \
  -e "s|^    digest: .*|    digest: sha256:$digest|" \
  -e "s|^        value: buildkit-authority-.*|        value: buildkit-authority-$(printf %.12s "$digest")|" "$file")
printf '%s\n' "$pinned" >"$file"
