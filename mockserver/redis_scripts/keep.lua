-- Store a completion. 3: generation, 4: how many are kept, 5: its id, 6: its JSON ('': delete it).
if redis.call('HGET', state, 'generation') ~= ARGV[3] then return end
local stored, order, id = root .. 'stored:' .. session, root .. 'stored-order:' .. session, ARGV[5]
if ARGV[6] == '' then
    redis.call('HDEL', stored, id)
    redis.call('ZREM', order, id)
    return
end
redis.call('HSET', stored, id, ARGV[6])
redis.call('ZADD', order, 'NX', now(), id)
local excess = redis.call('ZCARD', order) - ARGV[4]
if excess > 0 then
    for _, old in ipairs(redis.call('ZPOPMIN', order, excess)) do redis.call('HDEL', stored, old) end
end
touch(session, redis.call('HGET', state, 'ttl'))
