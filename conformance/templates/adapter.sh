#!/bin/sh
# A streamproof adapter, started once a run (check --one-shot): put your own client in place of curl.
# Without a JSON tool, texts go from the answer to the report as they are, escapes and all.
say() { printf '{"type":"%s","run":"%s",%s}\n' "$1" "$STREAMPROOF_RUN" "$2"; }
string() { printf '%s\n' "$2" | sed -nE 's/.*"'"$1"'": *"(([^"\\]|\\.)*)".*/\1/p'; }
# A long one is in a file.
request() { if [ -n "$STREAMPROOF_REQUEST_FILE" ]; then cat "$STREAMPROOF_REQUEST_FILE"; else printf '%s' "$STREAMPROOF_REQUEST"; fi; }

if [ -n "$STREAMPROOF_HELLO" ]; then
  say hello '"protocol":1,"name":"my-client","version":"0","transports":["sse"],"controls":["cancel_after_events"],"retry":"none"'
  exit
fi
request |
  curl -sN --fail -w '\nstatus %{http_code}\n' -H "Authorization: Bearer $STREAMPROOF_API_KEY" -H 'Content-Type: application/json' \
    --data-binary @- "$STREAMPROOF_BASE_URL/chat/completions" | {
  outcome=error status= text= finish=null deltas=0
  while [ "$outcome" = error ] && IFS= read -r line; do
    case $line in
      'data: [DONE]'*) outcome=ok ;;
      data:*)
        piece=$(string content "$line") reason=$(string finish_reason "$line")
        [ -z "$reason" ] || finish="\"$reason\""
        if [ -n "$piece" ]; then
          say delta "\"text\":\"$piece\""
          text=$text$piece deltas=$((deltas + 1))
          [ "$deltas" != "$STREAMPROOF_CANCEL_AFTER_EVENTS" ] || outcome=cancelled
        fi ;;
      status\ [1-9]*) status=",\"status\":${line#status }" ;;
    esac
  done
  [ "$outcome" != error ] || status="$status,\"message\":\"no whole answer\""
  say result "\"outcome\":\"$outcome\",\"text\":\"$text\",\"finish_reason\":$finish$status"
}
