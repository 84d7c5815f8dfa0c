#!/bin/sh
# Follows Keydesk's change log: prints each new entry as a line of JSON, and keeps in FOLDER
#
#   seq              the number of the last entry
#   log.jsonl        all entries
#   checkpoint.txt   the newest signed checkpoint
#
#   follow-changes.sh FOLDER          goes on for ever, for Vector (vector.yaml)
#   follow-changes.sh FOLDER --once   ends when it has everything, for cron; with KEYDESK_VERIFIER_KEY it proves
#                                     what it has, and fails if an entry is not as it was signed
#
# KEYDESK                 https://keydesk.example
# KEYDESK_TOKEN_COMMAND   prints an access token with the scope keydesk.changes.read
# KEYDESK_VERIFIER_KEY    the key of the log, as its auditor has it ("name+hash+key")
# KEYDESK_AUDIT           the folder audit/ of Keydesk, with offline.py (Python 3, cryptography)
#
# An entry is printed before its number is kept, so after a crash it may be printed twice and is never lost.
set -eu

cd "$1"
once=${2:-}
wait=25
[ -z "$once" ] || wait=0
[ -s seq ] || echo 0 >seq
trap 'rm -f page.jsonl' EXIT

fetch() {
  token=$(sh -c "$KEYDESK_TOKEN_COMMAND")
  # By standard input, because other users of this machine can read arguments.
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --config - --silent --show-error --fail-with-body --max-time 60 \
      --header 'Accept: application/jsonl' --output page.jsonl \
      "$KEYDESK/api/v1/changes?since=$(cat seq)&wait=$wait" || {
    cat page.jsonl >&2 2>/dev/null || true
    return 1
  }
}

# The last line of a page: {"checkpoint":{"at":"...","note":"...","size":17},"more":false,"next":17}
keep() {
  last=$(tail -n 1 page.jsonl)
  next=$(printf '%s\n' "$last" | sed -n 's/.*,"next":\([0-9][0-9]*\)}$/\1/p')
  [ -n "$next" ] || return 1
  sed '$d' page.jsonl | tee -a log.jsonl
  note=$(printf '%s\n' "$last" | sed -n 's/^{"checkpoint":{.*"note":"\([^"]*\)".*/\1/p')
  [ -z "$note" ] || printf '%b' "$note" >checkpoint.txt
  echo "$next" >seq.new
  mv seq.new seq
}

if [ -z "$once" ]; then
  while :; do
    if ! fetch || ! keep; then
      sleep 10
    elif [ "$(wc -l <page.jsonl)" -le 1 ]; then
      sleep 1 # an empty answer came at once where too many wait
    fi
  done
fi

while :; do
  fetch
  keep
  case $last in *'"more":true'*) ;; *) break ;; esac
done
if [ -n "${KEYDESK_VERIFIER_KEY:-}" ]; then
  python3 "$KEYDESK_AUDIT/offline.py" log.jsonl checkpoint.txt --key "$KEYDESK_VERIFIER_KEY" >&2
fi
