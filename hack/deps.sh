#!/usr/bin/env bash
# Makes sure that the given things exist, or all that this repository uses. On Debian, as root, it installs the
# packages that are missing; anywhere else it says which they are and fails.
# Usage: hack/deps.sh [certificates|git|make|gcc|ptp4l|cluster|chromium]...
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps ptp4l, not in the PATH of those who are not root

[ $# -gt 0 ] || set -- certificates git make gcc ptp4l cluster chromium

packages=()
for need in "$@"; do
	case $need in
	certificates) # Go verifies the module proxy with them
		[ -e /etc/ssl/certs/ca-certificates.crt ] || [ "$(uname -s)" != Linux ] || packages+=(ca-certificates)
		;;
	gcc) # the race detector links with it
		command -v gcc >/dev/null || packages+=(gcc libc6-dev)
		;;
	ptp4l) command -v ptp4l >/dev/null || packages+=(linuxptp) ;;
	cluster) # what a node runs that is not built from Go modules (test/cluster)
		[ -e /usr/bin/containerd ] || packages+=(containerd)
		[ -e /usr/sbin/runc ] || packages+=(runc)
		[ -e /usr/lib/cni/bridge ] || packages+=(containernetworking-plugins)
		[ -e /usr/sbin/nft ] || packages+=(nftables)
		[ -e /usr/sbin/conntrack ] || packages+=(conntrack)
		command -v ip >/dev/null || packages+=(iproute2)
		;;
	chromium) # with a font, without which its pages have no text
		command -v chromium >/dev/null || packages+=(chromium)
		[ -e /usr/share/fonts/opentype/inter ] || packages+=(fonts-inter)
		;;
	*) command -v "$need" >/dev/null || packages+=("$need") ;;
	esac
done

if [ ${#packages[@]} = 0 ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "deps: missing, under the names that Debian gives them: ${packages[*]}; install them and try again" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "deps: missing: ${packages[*]}; run: sudo apt-get install ${packages[*]}" >&2
	exit 1
fi
echo "deps: installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq </dev/null
apt-get install -qq -y --no-install-recommends "${packages[@]}" </dev/null >/dev/null
