-- Write into a session's journal. 3: generation, 4: how many entries of a kind are kept, 5: the turns that were taken ('': known
-- already), then of each entry: kind ('request' or 'connection'), id, time, JSON, and whether it was written before ('1' or '').
if redis.call('HGET', state, 'generation') ~= ARGV[3] then return end
if ARGV[5] ~= '' then redis.call('HSET', state, 'taken', ARGV[5]) end
for index = 6, #ARGV, 5 do
    local kind, id = ARGV[index], ARGV[index + 1]
    local entries, order = root .. kind .. 's:' .. session, root .. kind .. '-order:' .. session
    local known = redis.call('HEXISTS', entries, id) == 1
    -- One that was written before and is not there any more has made room.
    if known or ARGV[index + 4] == '' then redis.call('HSET', entries, id, ARGV[index + 3]) end
    if not known and ARGV[index + 4] == '' then
        redis.call('HINCRBY', state, kind .. 's', 1)
        redis.call('ZADD', order, ARGV[index + 2], id)
        local excess = redis.call('ZCARD', order) - ARGV[4]
        if excess > 0 then
            for _, old in ipairs(redis.call('ZPOPMIN', order, excess)) do redis.call('HDEL', entries, old) end
        end
    end
end
touch(session, redis.call('HGET', state, 'ttl'))
