#!/bin/sh
# Runs a command with TEST_POSTGRES set to the URL of a superuser on a throw-away
# PostgreSQL cluster, and removes the cluster afterwards, whatever happens:
#
#	scripts/postgres.sh go test ./...
#
# TEST_POSTGRES_DATA is the cluster's data folder, for tests that read its files.
# Without PostgreSQL it fails and says what to install; with SKIP_POSTGRES=1 it
# starts no cluster, says so once, loudly, and runs the command.
#
# The cluster listens on a Unix socket and a random loopback port, takes nobody but
# the user made here, and does not sync its files; POSTGRES_FSYNC=on makes it, for
# benchmarks. PostgreSQL refuses to run as root: as root its programs run as the
# user postgres, or else nobody.
set -eu

fail() {
	echo "postgres.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || fail "usage: $0 command [argument ...]"

if [ "${SKIP_POSTGRES:-}" = 1 ]; then
	echo "postgres.sh: WARNING: SKIP_POSTGRES=1: NOTHING IS TESTED ON POSTGRESQL" >&2
	unset TEST_POSTGRES TEST_POSTGRES_DATA
	exec "$@"
fi

# find_bin prints the folder that holds initdb, postgres and pg_ctl.
find_bin() {
	for dir in $(IFS=:; for d in $PATH; do echo "$d"; done) \
		"$(pg_config --bindir 2>/dev/null || true)" \
		$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) \
		/usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && [ -x "$dir/pg_ctl" ]; then
			echo "$dir"
			return
		fi
	done
}

bin=$(find_bin)
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "postgres.sh: no PostgreSQL server here: installing the package postgresql" >&2
	(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql) >&2 ||
		fail "could not install the package postgresql"
	bin=$(find_bin)
fi
[ -n "$bin" ] || fail "no PostgreSQL server programs (initdb, postgres, pg_ctl) in PATH, pg_config --bindir or /usr/lib/postgresql: install the package postgresql (postgresql-server on Fedora, postgresql with brew), or set SKIP_POSTGRES=1 to leave PostgreSQL untested"

dir=$(mktemp -d "${TMPDIR:-/tmp}/amanah-pg.XXXXXX")
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
	user=postgres
	id "$user" >/dev/null 2>&1 || user=nobody
	chown "$user" "$dir"
fi
chmod 711 "$dir" # whoever runs the tests reaches the socket by its name

# The control program runs as this script's user and becomes the server's.
cat >"$dir/ctl" <<EOF
#!/bin/sh
set -eu
as() {
	if [ "\$(id -un)" = "$user" ]; then
		"\$@"
	elif command -v runuser >/dev/null 2>&1; then
		runuser -u "$user" -- "\$@"
	elif command -v setpriv >/dev/null 2>&1; then
		setpriv --reuid "$user" --regid "\$(id -g "$user")" --clear-groups -- "\$@"
	else
		echo "ctl: neither runuser nor setpriv: cannot become $user" >&2
		exit 1
	fi
}
cd "$dir"
case \$1 in
init)
	umask 077
	head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/password"
	if [ "\$(id -u)" = 0 ]; then chown "$user" "$dir/password"; fi
	as "$bin/initdb" -D "$dir/data" -U amanah --pwfile="$dir/password" -A scram-sha-256 \\
		-E UTF8 --no-locale --no-sync >"$dir/initdb.log" 2>&1
	;;
start)
	as "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/server.log" -o "-k $dir -h 127.0.0.1 -p \$(cat "$dir/port") \\
		-c fsync=${POSTGRES_FSYNC:-off} -c full_page_writes=${POSTGRES_FSYNC:-off} \\
		-c max_connections=200" start >/dev/null
	;;
stop)
	as "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 60 stop >/dev/null
	;;
*)
	echo "usage: ctl init | start | stop" >&2
	exit 1
	;;
esac
EOF
chmod 755 "$dir/ctl"

finish() {
	code=$?
	trap - EXIT INT TERM HUP
	"$dir/ctl" stop 2>/dev/null || true
	rm -rf "$dir"
	exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

"$dir/ctl" init || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }

# A port is free until somebody else takes it: try some.
started=
for _ in 1 2 3 4 5 6 7 8; do
	echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 20000)) >"$dir/port"
	if "$dir/ctl" start; then
		started=yes
		break
	fi
done
[ -n "$started" ] || { cat "$dir/server.log" >&2; fail "the server did not start"; }

TEST_POSTGRES="postgres://amanah:$(cat "$dir/password")@127.0.0.1:$(cat "$dir/port")/postgres?sslmode=disable"
TEST_POSTGRES_DATA="$dir/data"
export TEST_POSTGRES TEST_POSTGRES_DATA
"$@"
