-- Give requests that came together, and that no limit concerns, the next turns.
-- 3: generation, 4: deadline, 5: label, 6: believable requests a minute, 7: believable tokens a minute, 8: how many requests, 9: their
-- tokens.
-- Returns {late}, {anew} or {in, the first turn, used requests and used tokens before them}.
if late(ARGV[4]) then return {'late'} end
local found = redis.call('HMGET', state, 'generation', 'ttl')
if found[1] ~= ARGV[3] then return {'anew'} end
local label, count, limits = ARGV[5], tonumber(ARGV[8]), root .. 'limits:' .. session
local most_requests, most_tokens = tonumber(ARGV[6]), tonumber(ARGV[7])
local requests, tokens = used(limits, label .. ' requests', most_requests), used(limits, label .. ' tokens', most_tokens)
use(limits, label, math.min(requests + count, most_requests), math.min(tokens + ARGV[9], most_tokens))
touch(session, found[2])
return {'in', redis.call('HINCRBY', state, 'taken', count) - count, number(requests), number(tokens)}
