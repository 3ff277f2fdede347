#!/bin/sh
# scripts/toolchain.sh DIR: Emscripten 3.1.69 and the third-party sources in DIR, from the Debian archive.
#
# Debian 13 and Ubuntu 25.04 or newer: emscripten is the distribution's own package (scripts/setup.mjs installs it).
# Debian 12: Debian 13's emscripten and binaryen are unpacked under DIR and run on Debian 12's clang-19; binaryen, which
# needs a newer glibc, is started through Debian 13's loader.
# Sources: upstream tarballs of Debian's source packages, each pinned by SHA-256.
#
# The archive's address comes from this machine's apt configuration, or from $DEBIAN_ARCHIVE. A private apt (its own lists
# and cache, removed at the end) is used; nothing outside DIR is touched. Where there is no Debian archive but an Emscripten,
# as on Ubuntu, nothing is fetched here: CMake then takes the same commits from upstream.
set -eu
dir=${1:?usage: scripts/toolchain.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
apt_dir=$dir/apt
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "toolchain: $*"; }
fail() { echo "toolchain: $*" >&2; exit 1; }

# Check-Valid-Until is off because mirrors may serve an index past its date; signatures and checksums still hold.
private_apt() {
  verb=$1; shift
  apt-get -q -o Dir::Etc::sourcelist="$apt_dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::Lists="$apt_dir/lists" -o Dir::Cache="$apt_dir/cache" -o Acquire::Languages=none \
    -o Acquire::Retries=3 -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root "$verb" "$@"
}

has_emscripten() {
  command -v emcc >/dev/null 2>&1 && emcc --version | head -n 1 | grep -Eq ' (3\.1\.(6[0-9]|[7-9][0-9])|[4-9]\.)'
}

prepare_apt() {
  mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
  trap 'rm -rf "$apt_dir"' EXIT
  {
    echo "deb [signed-by=$keyring] $archive trixie main"
    for suite in trixie forky sid; do echo "deb-src [signed-by=$keyring] $archive $suite main"; done
  } > "$apt_dir/sources.list"
  say "reading the archive's index"
  private_apt update -qq
}

# Without the LTO, PIC, sanitizer and GL builds of the system libraries: 0.22 GB instead of 1.6 GB.
unpack_emscripten() {
  libs=./usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten
  dpkg-deb --fsys-tarfile "$1"/emscripten_*.deb | tar -x -C "$2" --exclude="$libs/lto*" --exclude="$libs/pic" \
    --exclude="$libs/*asan*" --exclude="$libs/*ubsan*" --exclude="$libs/*lsan*" --exclude="$libs/*sanitizer*" \
    --exclude="$libs/*-ww*.a" --exclude="$libs/libGL*-emu*" --exclude="$libs/libGL*-ofb*" \
    --exclude="$libs/libGL*-full_es3*" --exclude="$libs/*verbose*" --exclude="$libs/*memvalidate*" \
    --exclude="$libs/*tracing*" --exclude=./usr/share/emscripten/test --exclude=./usr/share/emscripten/media \
    --exclude='./usr/share/doc*'
}

# Each Binaryen tool becomes a script that starts the real one with the libraries beside it, by relative paths.
wrap_binaryen() {
  for tool in "$1"/usr/bin/wasm*; do
    name=$(basename "$tool")
    mv "$tool" "$2/lib/$name"
    printf '#!/bin/sh\nd=$(dirname "$(readlink -f "$0")")/../../lib\nexec "$d/ld-linux-x86-64.so.2" --library-path "$d" "$d/%s" "$@"\n' \
      "$name" > "$2/binaryen/bin/$name"
    chmod +x "$2/binaryen/bin/$name"
  done
}

install_emscripten() {
  sdk=$dir/emsdk
  say "downloading Emscripten 3.1.69 (240 MB)"
  rm -rf "$sdk" "$dir/debs"
  mkdir -p "$dir/debs" "$sdk/lib" "$sdk/tmp" "$sdk/binaryen/bin"
  (cd "$dir/debs" && private_apt download -qq emscripten binaryen node-acorn libc6 libstdc++6 libgcc-s1)
  say "unpacking"
  unpack_emscripten "$dir/debs" "$sdk/tmp"
  for package in binaryen node-acorn libc6 libstdc++6 libgcc-s1; do
    dpkg-deb -x "$dir"/debs/"$package"_*.deb "$sdk/tmp"
  done
  mv "$sdk/tmp/usr/share/emscripten" "$sdk/emscripten"
  mkdir -p "$sdk/emscripten/node_modules"
  mv "$sdk/tmp/usr/share/nodejs/acorn" "$sdk/emscripten/node_modules/acorn"
  lib=$sdk/tmp/usr/lib/x86_64-linux-gnu
  for file in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libstdc++.so.6 libgcc_s.so.1 libbinaryen.so; do
    cp -L "$lib/$file" "$sdk/lib/"
  done
  wrap_binaryen "$sdk/tmp" "$sdk"
  rm -rf "$sdk/tmp" "$dir/debs"
  # Beside emcc, where it looks by itself: no environment variable is needed. ccache where there is one.
  cat > "$sdk/emscripten/.emscripten" <<CONFIG
import shutil
LLVM_ROOT = '/usr/lib/llvm-19/bin'
BINARYEN_ROOT = '$sdk/binaryen'
NODE_JS = shutil.which('node')
CACHE = '$sdk/emscripten/cache'
FROZEN_CACHE = True
COMPILER_WRAPPER = shutil.which('ccache') or ''
CONFIG
}

# name, source package, suites to try in order, SHA-256 of the upstream tarball; several with commas between where a suite
# moves on and more than one version will do
sources() {
  cat <<'LIST'
xnnpack xnnpack trixie,forky,sid 90bde2caef0f880f627bab0dc805a86c4b8070cd98e3243db3046ab3f3be1a99
pthreadpool pthreadpool trixie,forky,sid 4cc3cbd933b28131d2a34edc54f76af9fb41bc490af5eae1a5bd3cd07ea90708
fxdiv fxdiv trixie,forky,sid 7953482badaf4cb34026c3487c257b8e4ab2df061c019bd6fabbbc12ad52c44b
cpuinfo cpuinfo forky,sid 557ca404a3836b9f335a3a06b65ff9fe9dbaaefab7fb5c0185f53d9f33615a10
stb libstb trixie,forky,sid a3a5820445a7dd063516bb542a5cd54ced8efc9c5a30bfbaae1bab6dec2c1a74
libdeflate libdeflate trixie,forky,sid 1ab18349b9fb0ce8a0ca4116bded725be7dcbfa709e19f6f983d99df1fb8b25f
charls charls trixie,forky,sid d1c2c35664976f1e43fec7764d72755e6a50a80f38eca70fcc7553cad4fe19d9
openjpeg openjpeg2 forky,sid 6f6cf917e9587bc2df83aee5b51aa22dd56111640b3bad290b93443b6a4682b7
libjpeg-turbo libjpeg-turbo forky,sid 3a13a5ba767dc8264bc40b185e41368a80d5d5f945944d1dbaa4b2fb0099f4e5
LIST
}

accepted() { # checksum list
  case ",$2," in *,"${1:-none}",*) true ;; *) false ;; esac
}

fetch_source() { # name package suites checksum
  accepted "$(cat "$dir/src/$1/.sha256" 2>/dev/null || :)" "$4" && return
  tarball=
  for suite in $(echo "$3" | tr , ' '); do
    rm -rf "$dir/tar"
    mkdir -p "$dir/tar/x"
    (cd "$dir/tar" && private_apt source -qq --download-only --tar-only "$2/$suite" >/dev/null 2>&1) || continue
    found=$(find "$dir/tar" -name '*.orig.tar.*' ! -name '*.asc' | head -n 1)
    [ -n "$found" ] || continue
    sum=$(sha256sum "$found" | cut -d' ' -f1)
    if accepted "$sum" "$4"; then tarball=$found; break; fi
  done
  [ -n "$tarball" ] || fail "none of the Debian suites $3 offers an accepted $2 tarball (SHA-256 $4)"
  tar -xf "$tarball" -C "$dir/tar/x"
  top=$dir/tar/x # most tarballs have one top folder, XNNPACK's has none
  [ "$(ls -A "$top" | wc -l)" = 1 ] && top=$top/$(ls -A "$top")
  rm -rf "$dir/src/$1"
  mkdir -p "$dir/src"
  mv "$top" "$dir/src/$1"
  echo "$sum" > "$dir/src/$1/.sha256"
  say "source of $1 ($(basename "$tarball"))"
}

archive=${DEBIAN_ARCHIVE:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
  'Label: Debian' | sort -u | head -n 1)}
if [ -z "$archive" ]; then
  has_emscripten || fail "no Debian archive in this machine's apt configuration: set DEBIAN_ARCHIVE to a Debian mirror"
  say "no Debian archive here: CMake will fetch the sources from upstream"
  exit 0
fi
prepare_apt
if has_emscripten; then
  say "using $(command -v emcc)"
elif [ ! -x "$dir/emsdk/emscripten/emcc" ]; then
  install_emscripten
fi
sources | while read -r name package suites sum; do fetch_source "$name" "$package" "$suites" "$sum"; done
rm -rf "$dir/tar"
say "ready in $dir"
