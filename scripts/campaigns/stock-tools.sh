#!/bin/sh
# Restores every bundle of an archive with stock tools alone, and compares each result with the lake it was packed from.
# usage: scripts/campaigns/stock-tools.sh ARCHIVE LAKE SCRATCH
# Needs zstd, sha256sum and diff, and as many of tar (GNU), bsdtar and busybox as there are. Node is not used: the script
# runs with a PATH of links to the tools it names. Prints one line a tool and exits with 0 only when all agree.
set -eu
archive=$(cd "$1" && pwd)
lake=$(cd "$2" && pwd)
mkdir -p "$3"
scratch=$(cd "$3" && pwd)

tools="$scratch/tools"
rm -rf "$tools"
mkdir -p "$tools"
for tool in sh zstd sha256sum tar bsdtar busybox diff find mkdir rm cp mv ls wc dirname basename sort cat test tr; do
  place=$(command -v "$tool" || true)
  case "$place" in /*) ln -s "$place" "$tools/$tool" ;; esac
done
PATH="$tools"
export PATH
export LC_ALL=C.UTF-8
if command -v node >/dev/null; then echo 'node is on the PATH' >&2; exit 1; fi

list="$scratch/bundles"
find "$archive/exports" -name '*.tar.zst' | sort >"$list"
echo "bundles: $(wc -l <"$list" | tr -d ' ')"

while read -r bundle; do
  zstd -tq "$bundle"
  zstd -lv "$bundle" >"$scratch/info" 2>&1
done <"$list"
echo 'zstd -t and zstd -lv: content with every bundle'

find "$archive/exports" -name SHA256SUMS >"$scratch/sums"
while read -r sums; do
  (cd "$(dirname "$sums")" && sha256sum --quiet -c SHA256SUMS)
done <"$scratch/sums"
echo 'sha256sum -c SHA256SUMS: right beside every bundle'

restore() {
  name=$1
  shift
  out="$scratch/out-$name"
  rm -rf "$out"
  mkdir -p "$out/lake" "$out/bags"
  while read -r bundle; do
    zstd -dcq "$bundle" | (cd "$out/bags" && "$@" -xf -)
    for bag in "$out"/bags/*/; do
      sums=manifest-sha256.txt
      if [ -f "$bag/lakepack/sha256sums.txt" ]; then sums=lakepack/sha256sums.txt; fi
      if [ -s "$bag/$sums" ]; then (cd "$bag" && sha256sum --quiet -c "$sums"); fi
      (cd "$bag" && sha256sum --quiet -c tagmanifest-sha256.txt)
      cp -a "$bag/data/." "$out/lake/"
    done
    rm -rf "$out/bags"
    mkdir "$out/bags"
  done <"$list"
  diff -r "$lake" "$out/lake"
  echo "$name: $(find "$out/lake" -type f | wc -l | tr -d ' ') files, every checksum right, diff -r finds nothing"
  rm -rf "$out"
}

restore tar tar
if command -v bsdtar >/dev/null; then restore bsdtar bsdtar; else echo 'bsdtar: not installed, skipped'; fi
if command -v busybox >/dev/null; then restore busybox busybox tar; else echo 'busybox: not installed, skipped'; fi
echo 'all agree'
