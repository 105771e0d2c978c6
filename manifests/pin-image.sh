#!/bin/sh
# Writes which images are installed: pin-image.sh <ours>@sha256:<digest> [<BuildKit's>@sha256:<digest>]. Run it where an
# image has been built and pushed. BuildKit's is of workers whose pool names none.
set -eu
check() {
  case $1 in
    ?*@sha256:*) ;;
    *) echo "pin-image.sh: expected <name>@sha256:<digest>, got '$1'" >&2; exit 2 ;;
  esac
  name=${1%@*}
  digest=${1##*:}
  case $name$digest in
    *[!A-Za-z0-9._:/-]*) echo "pin-image.sh: expected the name of an image, got '$name'" >&2; exit 2 ;;
  esac
  if [ ${#digest} -ne 64 ] || [ -n "$(printf '%s' "$digest" | tr -d 0-9a-f)" ]; then
    echo "pin-image.sh: expected 64 hexadecimal digits, got '$digest'" >&2
    exit 2
  fi
}
file=$(dirname "$0")/install/kustomization.yaml
# Both are checked before anything is written.
[ $# -lt 2 ] || check "$2"
check "${1-}"
if [ $# -gt 1 ]; then
  pinned=$(sed -e "s|^      - buildkit-image=.*|      - buildkit-image=$2|" "$file")
  printf '%s\n' "$pinned" >"$file"
fi
pinned=$(sed \
  -e "s|^    newName: .*|    newName: $name|" \
  -e "s|^    digest: .*|    digest: sha256:$digest|" \
  -e "s|^      - image=.*|      - image=$name@sha256:$digest|" \
  -e "s|^        value: buildkit-authority-.*|        value: buildkit-authority-$(printf %.12s "$digest")|" "$file")
printf '%s\n' "$pinned" >"$file"
