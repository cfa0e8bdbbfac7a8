#!/bin/sh
# Starts coturn with turnserver.conf and with what only you have, which it takes from the environment. So the secret is in
# no list of processes.
#
# TURN_SECRET       the value of ANTIPHON_TURN_SECRET
# TURN_PEERS        the addresses of the media server, separated by commas: the relay sends to nobody else
# TURN_EXTERNAL_IP  the public address of this machine, if it is behind 1:1 NAT
set -eu
refuse() {
    echo "turn: $1" >&2
    exit 2
}
[ -n "${TURN_SECRET:-}" ] || refuse "ANTIPHON_TURN_SECRET is empty: anybody could use the relay. Make one: openssl rand -hex 32"
peers=$(echo "${TURN_PEERS:-}" | tr ',' ' ')
[ -n "$(echo $peers)" ] || refuse "the media server has no address: set ANTIPHON_MEDIA_ADDRESSES"
umask 077
settings=$(mktemp)
{
    cat "$(dirname "$0")/turnserver.conf"
    echo "static-auth-secret=$TURN_SECRET"
    for peer in $peers; do echo "allowed-peer-ip=$peer"; done
    [ -z "${TURN_EXTERNAL_IP:-}" ] || echo "external-ip=$TURN_EXTERNAL_IP"
} > "$settings"
exec turnserver -c "$settings" --pidfile "$settings.pid" --userdb "$settings.db" "$@"
