#!/bin/sh
# Runs a command with TEST_DCMDUMP set to DCMTK's dcmdump, and TEST_ORTHANC to the URL
# of a throw-away Orthanc, an image server of others, for tests that what is stored and
# served as DICOM is read by both:
#
#	scripts/dicom.sh go test ./internal/web/dicomweb
#
# Where they are missing it installs the packages dcmtk and orthanc, as root on Debian
# alone and saying so, and starts no service; elsewhere it fails and says what to
# install. With SKIP_DICOM=1 it says so once, loudly, and runs the command.
set -eu

fail() {
	echo "dicom.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || fail "usage: $0 command [argument ...]"

if [ "${SKIP_DICOM:-}" = 1 ]; then
	echo "dicom.sh: WARNING: SKIP_DICOM=1: NOTHING IS READ BACK BY DCMTK AND ORTHANC" >&2
	unset TEST_DCMDUMP TEST_ORTHANC
	exec "$@"
fi

# find_program prints where a program is: servers stand where a user's PATH seldom leads.
find_program() {
	for program in "$(command -v "$1" || true)" /usr/sbin/"$1" /usr/bin/"$1" /usr/local/bin/"$1"; do
		if [ -x "$program" ]; then
			echo "$program"
			return
		fi
	done
}

# install_packages installs both and keeps them from starting a server here.
install_packages() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		trap 'rm -f "$policy"' EXIT INT TERM HUP
	fi
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dcmtk orthanc
}

if { [ -z "$(find_program dcmdump)" ] || [ -z "$(find_program Orthanc)" ]; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "dicom.sh: no DCMTK or Orthanc here: installing the packages dcmtk and orthanc, starting nothing" >&2
	(install_packages) >&2 || fail "could not install the packages dcmtk and orthanc"
fi
TEST_DCMDUMP=$(find_program dcmdump)
orthanc=$(find_program Orthanc)
[ -n "$TEST_DCMDUMP" ] && [ -n "$orthanc" ] ||
	fail "no dcmdump or no Orthanc: install the packages dcmtk and orthanc, or set SKIP_DICOM=1 to leave them unasked"

dir=$(mktemp -d "${TMPDIR:-/tmp}/amanah-dicom.XXXXXX")
pid=

finish() {
	code=$?
	trap - EXIT INT TERM HUP
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	rm -rf "$dir"
	exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$dir/data"
# A port is free until somebody else takes it: try some.
started=
for _ in 1 2 3 4 5 6 7 8; do
	port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 20000))
	cat >"$dir/orthanc.json" <<JSON
{
  "Name": "amanah-test", "StorageDirectory": "$dir/data", "IndexDirectory": "$dir/data",
  "HttpPort": $port, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
  "DicomServerEnabled": false, "OverwriteInstances": true, "Plugins": []
}
JSON
	"$orthanc" "$dir/orthanc.json" >"$dir/log" 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		kill -0 "$pid" 2>/dev/null || break
		if grep -q "Orthanc has started" "$dir/log"; then
			started=yes
			break
		fi
		sleep 0.1
	done
	[ -z "$started" ] || break
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	pid=
done
[ -n "$started" ] || { cat "$dir/log" >&2; fail "Orthanc did not start"; }

TEST_ORTHANC="http://127.0.0.1:$port"
export TEST_DCMDUMP TEST_ORTHANC
"$@"
