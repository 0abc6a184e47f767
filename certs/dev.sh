#!/bin/sh
# Makes a certificate authority and a server certificate for trying the guard out, valid for 30 days.
#
#   certs/dev.sh [DIR [NAME or ADDRESS]...]      default: certs/dev localhost 127.0.0.1 ::1
#
# Writes ca.crt, ca.key, tls.crt and tls.key. A CA that is already there is used again, so that running this anew is a
# renewal, which a running guard takes over by itself. Needs OpenSSL 3.
set -eu
umask 077

dir=${1:-$(dirname "$0")/dev}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- localhost 127.0.0.1 ::1

names=
for name; do
    case $name in
        *:* | *[0-9].[0-9]*.[0-9]*.[0-9]*) kind=IP ;;
        *) kind=DNS ;;
    esac
    case $name in *[!0-9.:a-fA-F]*) kind=DNS ;; esac
    names=${names:+$names,}$kind:$name
done

# make NAME SUBJECT [openssl options]: a key and its certificate, put into place only when both are complete.
make() {
    name=$1 subject=$2
    shift 2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 30 -config /dev/null \
        -subj "/CN=$subject" -keyout "$dir/$name.key.new" -out "$dir/$name.crt.new" "$@" 2>"$dir/openssl.log" || {
        cat "$dir/openssl.log" >&2
        exit 1
    }
    mv "$dir/$name.key.new" "$dir/$name.key"
    mv "$dir/$name.crt.new" "$dir/$name.crt"
    rm "$dir/openssl.log"
}

mkdir -p "$dir"
if ! openssl x509 -in "$dir/ca.crt" -noout -checkend 86400 >/dev/null 2>&1; then
    make ca "camunda-upgrade-guard development CA" \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign
fi
make tls "camunda-upgrade-guard" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" \
    -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=serverAuth -addext "subjectAltName=$names"

echo "$dir/tls.crt and $dir/tls.key are valid for $names; clients trust $dir/ca.crt"
