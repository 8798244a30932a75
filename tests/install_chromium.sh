#!/bin/sh
# The browser tests need a Chromium. Install Debian's where apt and the rights are there; else say how to get it.
set -u
for browser in chromium chromium-browser google-chrome; do
    command -v "$browser" >/dev/null 2>&1 && exit 0
done
how="The browser tests will be skipped: no Chromium found. Get it with: sudo apt-get install chromium"
command -v apt-get >/dev/null 2>&1 || { echo "$how (or your system's package manager)"; exit 0; }
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "$how"
    exit 0
fi
echo "Installing Debian's chromium for the browser tests ..."
if ! { $as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y --no-install-recommends chromium; } >/dev/null 2>&1; then
    echo "$how"
fi
exit 0
