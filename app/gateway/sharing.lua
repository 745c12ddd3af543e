-- What app/domain/allowances.py, turns.py and slots.py decide, where all workers can ask for it in one step.
-- KEYS[1] is a hash of two fields, `flow` and `register`; ARGV[1] is a message with the verb and what it needs.
-- The constants are written above this by app/gateway/sharing_redis.py.

local asked = cmsgpack.unpack(ARGV[1])
local rule = asked.rule or {}
local now = asked.now
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local function load(field, empty)
  local stored = redis.call('HGET', KEYS[1], field)
  return stored and cmsgpack.unpack(stored) or empty
end

local function save(field, value)
  redis.call('HSET', KEYS[1], field, cmsgpack.pack(value))
  redis.call('EXPIRE', KEYS[1], KEPT_SECONDS)
end

-- Minute limits

local function moved(flow)
  local back = math.max(0, flow.at - now)
  local minutes = math.floor(now / MINUTE) - math.floor(flow.at / MINUTE)
  flow.at = now
  flow.requests_due = flow.requests_due - back
  flow.tokens_due = flow.tokens_due - back
  flow.rest_until = flow.rest_until - back
  for _, party in ipairs(flow.turns.parties) do
    party['until'] = party['until'] - back
    party.back = party.back and party.back - back
  end
  if minutes > 0 then
    flow.requests_before = minutes == 1 and flow.requests_now or 0
    flow.tokens_before = minutes == 1 and flow.tokens_now or 0
    flow.requests_now = 0
    flow.tokens_now = 0
  end
  return flow
end

local function the_flow()
  return moved(load('flow', {
    at = 0, rule = {}, requests_due = 0, tokens_due = 0, rest_until = 0,
    turns = { served = 0, parties = {} },
    requests_now = 0, requests_before = 0, tokens_now = 0, tokens_before = 0,
  }))
end

local function room(limit, due, cost, most)
  if not limit or cost <= 0 or most <= 0 then
    return math.max(0, most), 0
  end
  local burst = math.max(1, limit * BURST_SHARE)
  local left = burst - math.max(0, due - now) * limit / MINUTE
  local early, needed = EARLY * limit / MINUTE, math.min(cost, burst)
  if left + early < needed then
    return 0, (needed - left) * MINUTE / limit
  end
  return math.min(most, math.max(1, math.floor((left + early) / cost))), 0
end

local function later(limit, due, amount)
  if not limit or amount == 0 then
    return due
  end
  local begun = amount > 0 and math.max(due, now) or due
  return math.min(begun + amount * MINUTE / limit, now + MINUTE)
end

local function counted(flow, requests, tokens)
  flow.requests_due = later(flow.rule.requests_per_minute, flow.requests_due, requests)
  flow.tokens_due = later(flow.rule.tokens_per_minute, flow.tokens_due, tokens)
  flow.requests_now = flow.requests_now + requests
  flow.tokens_now = flow.tokens_now + tokens
  save('flow', flow)
end

local function share_of(requests)
  local by_requests, by_tokens = rule.requests_per_minute, rule.tokens_per_minute
  by_requests = by_requests and requests / by_requests or 0
  return math.max(by_requests, by_tokens and requests * asked.tokens / by_tokens or 0)
end

-- Turns

-- What this party has had, and those that were refused and are expected: how many, and the first that goes before it.
local function look_at(turns)
  local had, waiting, first = turns.served, 0, nil
  for _, party in ipairs(turns.parties) do
    if party.name == asked.party then
      had = math.max(had, party.served)
    end
  end
  for _, party in ipairs(turns.parties) do
    if party.name ~= asked.party and party.back and party['until'] > now then
      waiting = waiting + 1
      if party.served < had then
        first = math.min(first or party.back, party.back)
      end
    end
  end
  return had, waiting, first
end

local function put(turns, mine)
  local kept = {}
  for _, party in ipairs(turns.parties) do
    if party.name ~= asked.party and party['until'] > now then
      kept[#kept + 1] = party
    end
  end
  mine.name = asked.party
  kept[#kept + 1] = mine
  turns.parties = kept
end

-- Slots

local function living()
  local register = load('register', { at = 0, joined = 0, holders = {} })
  local back = math.max(0, register.at - now)
  local kept = {}
  for _, holder in ipairs(register.holders) do
    holder['until'] = holder['until'] - back
    if holder['until'] > now then
      kept[#kept + 1] = holder
    end
  end
  return { at = now, limit = register.limit, joined = register.joined, holders = kept }
end

local function shares(limit, wants, turn)
  local given, hungry = {}, {}
  for place, want in ipairs(wants) do
    given[place] = 0
    if want > 0 then
      hungry[#hungry + 1] = place
    end
  end
  while #hungry > 0 and limit >= #hungry do
    local each, still = math.floor(limit / #hungry), {}
    for _, place in ipairs(hungry) do
      local more = math.min(each, wants[place] - given[place])
      given[place] = given[place] + more
      limit = limit - more
      if given[place] < wants[place] then
        still[#still + 1] = place
      end
    end
    hungry = still
  end
  if #hungry > 0 then
    local first = given[hungry[1]] > 0 and 0 or turn
    for step = 0, limit - 1 do
      local place = hungry[(first + step) % #hungry + 1]
      given[place] = given[place] + 1
    end
  end
  return given
end

local function wanted_by(holders)
  local wants, all = {}, 0
  for place, holder in ipairs(holders) do
    wants[place] = holder.wanted
    all = all + holder.wanted
  end
  return wants, all
end

local function fair_share(limit, holders, me)
  local parties, places, wants = {}, {}, {}
  for _, holder in ipairs(holders) do
    if not places[holder.party] then
      parties[#parties + 1] = {}
      places[holder.party] = #parties
    end
    local several = parties[places[holder.party]]
    several[#several + 1] = holder
  end
  for place, several in ipairs(parties) do
    local _, all = wanted_by(several)
    wants[place] = all
  end
  local turn, mine = math.floor(now / TURN_SECONDS), places[me.party]
  local share = shares(limit, wants, turn)[mine]
  local given = shares(share, wanted_by(parties[mine]), math.floor(turn / #parties))
  for place, holder in ipairs(parties[mine]) do
    if holder == me then
      return given[place]
    end
  end
end

local function assigned()
  local register, me, held = living(), nil, 0
  for _, holder in ipairs(register.holders) do
    if holder.name == asked.name then
      me = holder
    else
      held = held + math.max(holder.slots, holder.under_way)
    end
  end
  if not me then
    me = { name = asked.name, number = register.joined }
    register.joined = register.joined + 1
    table.insert(register.holders, me)
  end
  me.party = asked.party
  me.wanted = math.max(0, asked.wanted)
  me.under_way = asked.under_way
  me['until'] = now + HOLD_SECONDS
  me.slots = me.wanted
  if rule.in_flight then
    me.slots = math.min(math.max(0, rule.in_flight - held), fair_share(rule.in_flight, register.holders, me))
  end
  register.limit = rule.in_flight
  save('register', register)
  return me.slots
end

-- Verbs

local verbs = {}

function verbs.take()
  local flow = the_flow()
  flow.rule = rule
  if flow.rest_until > now then
    save('flow', flow)
    return { 0, flow.rest_until - now }
  end
  local by_requests, requests_wait = room(rule.requests_per_minute, flow.requests_due, 1, asked.requests)
  local by_tokens, tokens_wait = room(rule.tokens_per_minute, flow.tokens_due, asked.tokens, asked.requests)
  local count, wait = math.min(by_requests, by_tokens), math.max(requests_wait, tokens_wait)
  if asked.requests <= 0 or share_of(1) == 0 then
    counted(flow, count, count * asked.tokens)
    return { count, 0 }
  end
  local had, waiting, first = look_at(flow.turns)
  if wait == 0 and first then
    wait = math.max(AGAIN, first - now)
  end
  if wait > 0 then
    put(flow.turns, { served = had, back = now + wait, ['until'] = now + wait + GRACE })
    save('flow', flow)
    return { 0, wait }
  end
  count = math.max(1, math.floor(count / (1 + waiting)))
  flow.turns.served = had
  put(flow.turns, { served = had + share_of(count), ['until'] = now + KEPT })
  counted(flow, count, count * asked.tokens)
  return { count, 0 }
end

function verbs.give_back()
  counted(the_flow(), -asked.requests, -asked.requests * asked.tokens)
end

function verbs.correct()
  counted(the_flow(), 0, asked.tokens)
end

function verbs.rest()
  local flow = the_flow()
  flow.rest_until = math.max(flow.rest_until, now + math.min(asked.seconds, LONGEST_REST))
  save('flow', flow)
end

function verbs.resting()
  return math.max(0, the_flow().rest_until - now)
end

function verbs.slots()
  return assigned()
end

function verbs.leave()
  local register, kept = living(), {}
  for _, holder in ipairs(register.holders) do
    if holder.name ~= asked.name then
      kept[#kept + 1] = holder
    end
  end
  register.holders = kept
  save('register', register)
end

return cmsgpack.pack(verbs[asked.verb]() or 0)
