-- Write into a session's journal. 3: generation, 4: how many entries of a kind are kept, 5: the turns that were taken ('': known
-- already), then kind ('request' or 'connection'), id, time and JSON of each entry.
if redis.call('HGET', state, 'generation') ~= ARGV[3] then return end
if ARGV[5] ~= '' then redis.call('HSET', state, 'taken', ARGV[5]) end
for index = 6, #ARGV, 4 do
    local kind, id = ARGV[index], ARGV[index + 1]
    local entries, order = root .. kind .. 's:' .. session, root .. kind .. '-order:' .. session
    if redis.call('HSET', entries, id, ARGV[index + 3]) == 1 then
        redis.call('HINCRBY', state, kind .. 's', 1)
        redis.call('ZADD', order, ARGV[index + 2], id)
        local excess = redis.call('ZCARD', order) - ARGV[4]
        if excess > 0 then
            for _, old in ipairs(redis.call('ZPOPMIN', order, excess)) do redis.call('HDEL', entries, old) end
        end
    end
end
touch(session, redis.call('HGET', state, 'ttl'))
