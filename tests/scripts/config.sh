#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# An option that did not take is named; one that a later fragment takes back is not.
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

cd "$WORK"
config_check() {
	"$TOP/scripts/config-check.sh" "$@"
}
cat >config <<'EOT'
# CONFIG_OFF is not set
CONFIG_ON=y
CONFIG_NR=8
CONFIG_NAME="a = b"
# a remark on CONFIG_X=y
EOT
printf 'CONFIG_ON=y\nCONFIG_NR=8\nCONFIG_NAME="a = b"\nCONFIG_OFF=n\n# CONFIG_NEVER is not set\n\n# CONFIG_ON was here\n' >good
passes 'all took' config_check config good
: >none
passes 'nothing asked for' config_check config none
for want in CONFIG_OFF=y CONFIG_NEVER=y CONFIG_NR=9 CONFIG_ON=n; do
	echo "$want" >bad
	refuses "$want" "^bad: $want did not take" config_check config good bad
	passes "$want, taken back" config_check config bad good
done
echo '# CONFIG_ON is not set' >bad
refuses 'off, and it is on' '^bad: CONFIG_ON=n did not take, it is y' config_check config bad
