-- Chooses the worker for a request. HAProxy runs it; docs/cluster.md explains it.
--
-- The door tells it twice a second which workers there are, by the command `antiphon workers` of the runtime socket.
-- `choose` sets three variables of a request:
--   txn.worker   the worker that gets it; not set if there is none
--   txn.begins   it is set if the request begins a call, so another worker may be tried when this one refuses
--   txn.refused  why a call cannot begin: "none" (there are no workers) or "busy" (none of them is ready)

local FIRST_LIST_MS = 3000
-- How long a request waits for the first list of workers after HAProxy has started.

local workers = {}
-- By name: how many `calls` it announced at the moment `at`, how many `places` it has, and how many calls it was given
-- since: `latest` since the last list, and `earlier`. And whether it is `starting`.
local ready = {}    -- the names of those that are ready, in order
local others = {}   -- the names of those that only keep the calls that they have
local told = false

math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)") or "0", 16) % 1000003)

-- The list, as `name/state/calls/places/at` with commas in between; `-` is an empty list.
core.register_cli({"antiphon", "workers"}, "antiphon workers <list> : the workers and their loads", function(applet, ...)
  local list = select(select("#", ...), ...)
  local before = workers
  workers, ready, others = {}, {}, {}
  for name, state, calls, places, at in list:gmatch("(%w+)/(%l+)/(%d+)/(%d+)/(%d+)") do
    local was, earlier = before[name], 0
    if was and was.at == at then
      earlier = was.earlier + was.latest
    elseif was then
      earlier = was.latest / 2  -- it was announced some time between the two lists
    end
    workers[name] = {at = at, calls = tonumber(calls), places = math.max(1, tonumber(places)),
                     earlier = earlier, latest = 0, starting = state == "starting"}
    if state == "ready" then
      table.insert(ready, name)
    elseif state ~= "starting" then
      table.insert(others, name)
    end
  end
  told = true
  applet:send("\n")
end)

local function load_of(name)
  local worker = workers[name]
  return (worker.calls + worker.earlier + worker.latest) / worker.places
end

-- The less loaded of two random workers that are ready (the power of two choices).
local function place()
  if #ready == 0 then return nil end
  local one = math.random(#ready)
  local other = #ready > 1 and (one + math.random(#ready - 1) - 1) % #ready + 1 or one
  local name = load_of(ready[other]) < load_of(ready[one]) and ready[other] or ready[one]
  workers[name].latest = workers[name].latest + 1
  return name
end

-- Always the same worker for the same key, as long as it is ready (rendezvous hashing).
local function same(txn, key)
  local best, highest = nil, -1
  for _, name in ipairs(ready) do
    local score = txn.c:xxh32(name .. "/" .. key) & 0xFFFFFFFF
    if score > highest then best, highest = name, score end
  end
  return best
end

local function any()
  local names = #ready > 0 and ready or others
  return names[1] and names[math.random(#names)]
end

-- The worker that an id names, if there is such a worker. One that starts has no calls: those of its name were in the
-- process before it.
local function owner_of(id)
  local name = id:match("^(w%w+)%-") or id:match("^%l+_(w%w+)%-")
  return name and workers[name] and not workers[name].starting and name
end

local IDS = {pc_id = true, call_id = true, session_id = true, again = true}

local function owner(txn, path, query)
  for part in path:gmatch("[^/]+") do
    local name = owner_of(part)
    if name then return name end
  end
  for key, value in query:gmatch("([^&=]+)=([^&]*)") do
    local name = (IDS[key] or key == "token") and owner_of(value)
    if name then return name end
  end
  return owner_of(txn:get_var("txn.pc_id") or "") or owner_of(txn:get_var("txn.session_id") or "")
end

local function begins(txn, path, upgrades)
  if upgrades then return true end
  if txn.f:method() ~= "POST" then return false end
  return path:match("/api/offer$") or path:match("/whip$") or path:match("/v1/realtime/calls$")
    or path:match("/v1/live/sessions$") or path:match("/telephony/%w+$")
    or path:match("/telephony/%w+/voice$")
end

-- What SIP phones upgrade; nil if this is none. A phone may say in the address who it is: many phones behind one
-- address would otherwise all be at one worker.
local function phone(txn, path, query)
  local protocols = "," .. (txn.sf:req_fhdr("sec-websocket-protocol")):lower():gsub("%s", "") .. ","
  if path ~= "/sip" and not (path == "/" and protocols:find(",sip,", 1, true)) then return nil end
  return query:match("^user=([^&]+)") or query:match("&user=([^&]+)") or txn:get_var("txn.client") or ""
end

core.register_action("choose", {"http-req"}, function(txn)
  local waited = 0
  while not told and waited < FIRST_LIST_MS do
    core.msleep(20)
    waited = waited + 20
  end
  local path, query = txn.sf:path(), txn.sf:query()
  path = path:gsub("^/agents/[^/]+", "")
  local upgrades = txn.sf:req_hdr("upgrade"):lower() == "websocket"
  local new = begins(txn, path, upgrades)
  if new then txn:set_var("txn.begins", true) end
  local name, key = owner(txn, path, query), upgrades and phone(txn, path, query)
  if not name and key then
    name = same(txn, key)
  elseif not name and new then
    name = place()
  elseif not name then
    name = any()
  end
  if name then
    txn:set_var("txn.worker", name)
  else
    txn:set_var("txn.refused", #ready + #others > 0 and "busy" or "none")
  end
end)
