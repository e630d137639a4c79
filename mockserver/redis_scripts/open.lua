-- Let a session begin (anew). 3: its generation, 4: ms to live, 5: its definition, 6: how many sessions there may be.
forget(session)
redis.call('HSET', state, 'generation', ARGV[3], 'ttl', ARGV[4], 'definition', ARGV[5], 'taken', 0)
touch(session, ARGV[4])
local excess = redis.call('ZCARD', root .. 'sessions') - ARGV[6]
if excess > 0 then
    for _, key in ipairs(redis.call('ZRANGE', root .. 'sessions', 0, excess - 1)) do forget(key) end
end
