-- Say that a process lives. 3: its id, 4: whether it has only begun, 5: ms to live of what belongs to no session, 6: its number (0: it
-- has none yet), 7: its machine's boot, 8: that machine's clock in s, 9: the reference clock that it knows ('': none yet). Where it is the first, what a server has from its start begins anew: the default session, those of profiles, the uses
-- of keys.
-- Returns {Redis' time in ms, its number, which no other process has, the reference clock}.
local processes, ttl = root .. 'processes', ARGV[5]
redis.call('ZREMRANGEBYSCORE', processes, '-inf', now() - DEAD)
if ARGV[4] == '1' and redis.call('ZCARD', processes) == 0 then
    for _, key in ipairs(redis.call('ZRANGE', root .. 'sessions', 0, -1)) do
        if key == session or string.sub(key, 1, 8) == 'profile:' then forget(key) end
    end
    redis.call('DEL', root .. 'uses', root .. 'since')
end
redis.call('ZADD', processes, now(), ARGV[3])
if redis.call('EXISTS', state) == 1 then touch(session, ttl) end
local count, own = root .. 'process-count', tonumber(ARGV[6])
if own == 0 then
    own = redis.call('INCR', count)
elseif own > tonumber(redis.call('GET', count) or 0) then
    -- This is not the Redis that gave the number.
    redis.call('SET', count, own)
end
for _, key in ipairs({'uses', 'since', 'processes', 'sessions', 'process-count'}) do redis.call('PEXPIRE', root .. key, DAY) end
local clock = root .. 'clock'
-- A Redis that has none, for it is another one than before, is given it anew by whoever knows it.
local reference = redis.call('GET', clock)
    or (ARGV[9] ~= '' and ARGV[9])
    or string.format('{"boot":"%s","ahead":%s}', ARGV[7], number(now() / 1000 - ARGV[8]))
redis.call('SET', clock, reference, 'PX', DAY)
return {number(now()), own, reference}
