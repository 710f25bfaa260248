#!/bin/sh
# Runs a command with TEST_NGINX set to an nginx program, for the test of a partner's
# relay that is a plain reverse proxy (docs/partners.md):
#
#	scripts/nginx.sh go test ./e2e -run Nginx
#
# Without nginx it installs the package, as root on Debian alone and saying so, and
# starts no service; elsewhere it fails and says what to install. With SKIP_NGINX=1 it
# says so once, loudly, and runs the command.
set -eu

fail() {
	echo "nginx.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || fail "usage: $0 command [argument ...]"

if [ "${SKIP_NGINX:-}" = 1 ]; then
	echo "nginx.sh: WARNING: SKIP_NGINX=1: NOTHING IS TESTED THROUGH NGINX" >&2
	unset TEST_NGINX
	exec "$@"
fi

# find_nginx prints the program: it stands where a user's PATH seldom leads.
find_nginx() {
	for program in "$(command -v nginx || true)" /usr/sbin/nginx /usr/local/sbin/nginx /opt/homebrew/bin/nginx; do
		if [ -x "$program" ]; then
			echo "$program"
			return
		fi
	done
}

# install_nginx installs the package and keeps it from starting a web server here.
install_nginx() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		trap 'rm -f "$policy"' EXIT INT TERM HUP
	fi
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx
}

nginx=$(find_nginx)
if [ -z "$nginx" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "nginx.sh: no nginx here: installing the package nginx, starting nothing" >&2
	(install_nginx) >&2 || fail "could not install the package nginx"
	nginx=$(find_nginx)
fi
[ -n "$nginx" ] || fail "no nginx in PATH or /usr/sbin: install the package nginx, or set SKIP_NGINX=1 to leave the reverse proxy untested"

TEST_NGINX=$nginx
export TEST_NGINX
exec "$@"
