#!/bin/sh
# Rewrites every object of our kinds in the version that is stored now, then tells the apiserver that no other is left.
# Run it after an upgrade that changed the stored version, once all webhooks are of the new release. Safe to run again.
set -eu
group=buildkit.smrt-devops.net
version=v1beta1

rewrite() { # plural: a PUT of what stands there already stores it anew
  objects=$(kubectl get "$1.$version.$group" --all-namespaces --output=json)
  case $objects in *'"items": []'*) return 0 ;; esac
  printf '%s' "$objects" | kubectl replace --filename=- >/dev/null
}

for plural in buildkitpools buildkitworkers buildkitoidcconfigs; do
  attempt=1
  # An object that is written or deleted meanwhile is a conflict: what is left is read again.
  until rewrite "$plural"; do
    if [ "$attempt" -ge 5 ]; then
      echo "$plural: not all could be rewritten, see above; run this again" >&2
      exit 1
    fi
    attempt=$((attempt + 1))
    sleep 1
  done
  kubectl patch "customresourcedefinition/$plural.$group" --subresource=status --type=merge \
    --patch="{\"status\":{\"storedVersions\":[\"$version\"]}}"
done
