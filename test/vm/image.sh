#!/usr/bin/env bash
# Builds what a test VM is made of, in an empty directory: QEMU with its libraries (root/), a kernel (vmlinux) and a
# file system for it with linuxptp (base.cpio). All of it is Debian's, verified by apt and only unpacked: nothing is
# installed, and it needs no root. It takes a quarter of a minute and 700 MB.
# Usage: test/vm/image.sh DIRECTORY
#   SUITE          release of Debian; default trixie, of which everything here is known to work
#   DEBIAN_MIRROR  default: the one that this machine's apt uses
set -euo pipefail
[ $# = 1 ] || { echo "usage: image.sh DIRECTORY" >&2; exit 2; }
for need in apt-get dpkg-deb; do
	command -v "$need" >/dev/null || { echo "image.sh: needs $need: run it on Debian" >&2; exit 1; }
done
out=$(cd "$1" && pwd)
suite=${SUITE:-trixie}
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | grep -v security | head -1)}
[ -n "$mirror" ] || { echo "image.sh: apt knows no mirror of Debian; set DEBIAN_MIRROR" >&2; exit 1; }

# Packages: an apt with nothing installed, which only downloads.
apt=$out/apt
mkdir -p "$apt"/{lists/partial,cache/archives/partial,etc/apt.conf.d,etc/preferences.d}
: >"$apt/status"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
cat >"$apt/etc/sources.list" <<END
deb [signed-by=$keys] $mirror $suite main
deb [signed-by=$keys] ${mirror%/}-security $suite-security main
END
apt-config dump Acquire >"$apt/apt.conf" # how this machine reaches a mirror
cat >>"$apt/apt.conf" <<END
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
Dir::Etc "$apt/etc";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "true";
END
export APT_CONFIG=$apt/apt.conf
apt-get -qq update
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -1)
[ -n "$kernel" ] || { echo "image.sh: $suite has no kernel package" >&2; exit 1; }
apt-get -qq install -y --download-only qemu-system-x86 linuxptp ethtool iproute2 busybox-static zstd xz-utils
# The kernel alone: what it depends on is for installing it.
(cd "$apt/cache/archives" && apt-get -qq download "$kernel")

# Unpack. No script of a package is run.
root=$out/root
mkdir -p "$root"/usr/{lib,lib64,bin,sbin}
for d in lib lib64 bin sbin; do ln -s "usr/$d" "$root/$d"; done
for deb in "$apt"/cache/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink --no-same-owner \
		--exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
done
(cd "$apt/cache/archives" && ls -- *.deb) | sed 's/%3a/:/; s/_[a-z0-9]*\.deb$//' >"$out/packages.txt"
rm -rf "$apt"

lib=$root/usr/lib/x86_64-linux-gnu
unpacked() { "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$lib" "$root/$1" "${@:2}"; }
busybox=$root/usr/bin/busybox

# The kernel as ELF, out of the bzImage (Documentation/arch/x86/boot.rst): QEMU boots it by PVH, without the two
# seconds that its decompressor takes without KVM.
release=${kernel#linux-image-}
image=$root/boot/vmlinuz-$release
u32() { od -An -tu4 -j "$1" -N4 "$image" | tr -d ' '; }
setup=$(od -An -tu1 -j 497 -N1 "$image" | tr -d ' ')
offset=$(((setup + 1) * 512 + $(u32 584))) length=$(($(u32 588) - 4))
tail -c +$((offset + 1)) "$image" | head -c "$length" >"$out/vmlinux.zst" || true # tail is cut off
unpacked usr/bin/zstd -qdf --rm "$out/vmlinux.zst" -o "$out/vmlinux"

# The file system. The init and what it runs come with each start (vm.go).
fs=$out/fs
mkdir -p "$fs"/{bin,sbin,dev,proc,sys,run,tmp,etc,var,lib64,modules,usr/bin,usr/sbin,lib/x86_64-linux-gnu}
ln -s ../run "$fs/var/run"
cp "$busybox" "$fs/bin/"
libraries() { # a program's or a library's, and theirs
	local name
	for name in $(tr -c '[:alnum:]_.+-' '\n' <"$1" | grep -aE '^lib[[:alnum:]_+.-]+\.so(\.[0-9]+)*$' | sort -u); do
		if [ -e "$lib/$name" ] && [ ! -e "$fs/lib/x86_64-linux-gnu/$name" ]; then
			cp -L "$lib/$name" "$fs/lib/x86_64-linux-gnu/"
			libraries "$lib/$name"
		fi
	done
}
for program in sbin/ptp4l sbin/phc2sys sbin/pmc sbin/phc_ctl sbin/ethtool bin/ip; do
	cp "$root/usr/$program" "$fs/usr/$program"
	libraries "$root/usr/$program"
done
cp -L "$root/usr/lib64/ld-linux-x86-64.so.2" "$fs/lib64/"
for module in i2c-algo-bit dca igb failover net_failover virtio_net; do # in the order of insmod
	file=$(find "$root/usr/lib/modules/$release" -name "$module.ko*" | head -1)
	case $file in
	*.xz) unpacked usr/bin/xz -dc "$file" >"$fs/modules/$module.ko" ;;
	?*) cp "$file" "$fs/modules/$module.ko" ;;
	esac
done
(cd "$fs" && find . | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null) >"$out/base.cpio"
rm -rf "$fs" "$root/usr/lib/modules"
