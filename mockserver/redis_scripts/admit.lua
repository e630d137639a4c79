-- Let a request through the limits of its key and give it the next turn, or say why not.
-- 3: generation, 4: deadline, 5: label, 6: requests a minute, 7: whether they are limited, 8: tokens a minute, 9: whether they are,
-- 10: the request's tokens, 11: answers at once ('': any number), 12: how many may wait, 13: who asks.
-- Returns {verdict, turn, used requests, used tokens}; verdict: late, anew, requests, tokens, crowded, queued, in.
if late(ARGV[4]) then return {'late'} end
if redis.call('HGET', state, 'generation') ~= ARGV[3] then return {'anew'} end
local label, limits = ARGV[5], root .. 'limits:' .. session
local most_requests, most_tokens, cost = tonumber(ARGV[6]), tonumber(ARGV[8]), tonumber(ARGV[10])
local requests, tokens = used(limits, label .. ' requests', most_requests), used(limits, label .. ' tokens', most_tokens)
if ARGV[7] == '1' and requests + 1 > most_requests then return {'requests', 0, number(requests), number(tokens)} end
if ARGV[9] == '1' and tokens + cost > most_tokens then return {'tokens', 0, number(requests), number(tokens)} end
local verdict = 'in'
if ARGV[11] ~= '' then verdict = enter(label, tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13]) end
if verdict == 'crowded' then return {verdict, 0, number(requests), number(tokens)} end
requests, tokens = math.min(requests + 1, most_requests), math.min(tokens + cost, most_tokens)
use(limits, label, requests, tokens)
redis.call('PEXPIRE', limits, redis.call('HGET', state, 'ttl'))
local turn = verdict == 'in' and redis.call('HINCRBY', state, 'taken', 1) - 1 or 0
return {verdict, turn, number(requests), number(tokens)}
