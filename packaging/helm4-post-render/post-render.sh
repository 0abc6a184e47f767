#!/bin/sh
# Helm 4 keeps to itself what a post-renderer says on its standard error.
here=$(dirname "$0")
guard="$here/bin/camunda-upgrade-guard"
stderr="/proc/$PPID/fd/2"

# Helm writes into a file where it has left off, over what others have appended, unless it appends, too.
takes_more() {
    [ -f "$stderr" ] || return 0
    case "$(grep '^flags:' "/proc/$PPID/fdinfo/2")" in
        *[2367]???) return 0 ;; # O_APPEND
    esac
    return 1
}

# A terminal, a pipe or the like (Linux): what the guard says is written where Helm's own errors go.
if (: >>"$stderr") 2>/dev/null && takes_more; then
    exec "$guard" post-render "$@" 2>>"$stderr"
fi

# Everywhere else Helm itself writes it: its error about a manifest that can't be parsed begins with the manifest's name.
{ said=$("$guard" post-render "$@" 2>&1 >&3); } 3>&1
code=$?
case $code in
    0)
        # No error carries a warning, so it goes to the terminal if there is one.
        (printf '%s\n' "$said" >/dev/tty) 2>/dev/null
        exit 0
        ;;
    [123]) ;;
    *) exit "$code" ;;
esac
printf 'apiVersion: []
metadata:
  annotations:
    postrenderer.helm.sh/postrender-filename: |2-
      camunda-upgrade-guard:

%s

      Helm stops at this answer of camunda-upgrade-guard/post-render, which is no manifest
---
# Helm skips files by their names, but not this one.
apiVersion: []
' "$(printf '%s\n' "$said" | sed 's/^/      /')"
