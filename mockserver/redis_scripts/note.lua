-- Write into a session's journal. 3: generation, 4: how many entries of a kind are kept, 5: the turns that were taken ('': known
-- already), then of each entry: kind ('request' or 'connection'), id, time, JSON, and whether it was written before ('1' or '').
local found = redis.call('HMGET', state, 'generation', 'ttl')
if found[1] ~= ARGV[3] then return end
if ARGV[5] ~= '' then redis.call('HSET', state, 'taken', ARGV[5]) end
local fresh = {request = {}, connection = {}}
for index = 6, #ARGV, 5 do
    local kind, id = ARGV[index], ARGV[index + 1]
    local entries = root .. kind .. 's:' .. session
    if ARGV[index + 4] == '' then
        if redis.call('HSET', entries, id, ARGV[index + 3]) == 1 then
            table.insert(fresh[kind], ARGV[index + 2])
            table.insert(fresh[kind], id)
        end
    elseif redis.call('HEXISTS', entries, id) == 1 then
        -- One that was written before and is not there any more has made room.
        redis.call('HSET', entries, id, ARGV[index + 3])
    end
end
for kind, added in pairs(fresh) do
    if #added > 0 then
        local entries, order = root .. kind .. 's:' .. session, root .. kind .. '-order:' .. session
        redis.call('HINCRBY', state, kind .. 's', #added / 2)
        redis.call('ZADD', order, unpack(added))
        local excess = redis.call('ZCARD', order) - ARGV[4]
        if excess > 0 then
            local old = {}
            -- Each with its time.
            for index, part in ipairs(redis.call('ZPOPMIN', order, excess)) do
                if index % 2 == 1 then table.insert(old, part) end
            end
            redis.call('HDEL', entries, unpack(old))
        end
    end
end
touch(session, found[2])
