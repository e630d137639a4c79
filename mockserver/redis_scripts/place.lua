-- Take one of a number of places without waiting. 3: generation, 4: deadline, 5: what they are called, 6: how many, 7: who asks.
if late(ARGV[4]) then return {'late'} end
if redis.call('HGET', state, 'generation') ~= ARGV[3] then return {'anew'} end
return {enter(ARGV[5], tonumber(ARGV[6]), 0, ARGV[7])}
