--[[ Takes entries from a room that the archive has confirmed, all of it or nothing. It is refused when the room is not as
it was when they were read: another life, another floor (somebody else moved them), or a recall since then (what was
confirmed is then more than what is here). So nothing leaves that was not confirmed, and the floor only ever rises.

With an entry go what is indexed of it: its reference, and the revision of a message whose newest edit leaves too, since
the archive can tell it then. ]]

local meta, log, refs, revisions = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, floor, recalls, last, references = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

local now = redis.call('HMGET', meta, 'epoch', 'floor', 'recalls', 'head')
if now[1] ~= epoch or (now[2] or '0') ~= floor or (now[3] or '0') ~= recalls then return {'moved'} end
if tonumber(last) <= tonumber(floor) or tonumber(last) > tonumber(now[4]) then return {'refused'} end

redis.call('XTRIM', log, 'MINID', '=', string.format('%.0f-0', tonumber(last) + 1))
redis.call('HSET', meta, 'floor', last)
for at = 6, 5 + references do redis.call('ZREM', refs, ARGV[at]) end
for at = 6 + references, #ARGV, 2 do
  if redis.call('HGET', revisions, ARGV[at]) == ARGV[at + 1] then redis.call('HDEL', revisions, ARGV[at]) end
end
return {'trimmed'}
