-- Take the next turn. 3: generation, 4: deadline, 5: the only turn that is wanted ('': any).
-- Returns {late}, {anew}, {other, the next turn} or {in, the turn}.
if late(ARGV[4]) then return {'late'} end
local found = redis.call('HMGET', state, 'generation', 'taken')
if found[1] ~= ARGV[3] then return {'anew'} end
if ARGV[5] ~= '' and ARGV[5] ~= found[2] then return {'other', tonumber(found[2])} end
return {'in', redis.call('HINCRBY', state, 'taken', 1) - 1}
