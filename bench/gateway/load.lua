-- arguments: a file of tokens, one a line; then, for uploads, how many bytes to send
local requests, next = {}, 0

function init(args)
   for token in io.lines(args[1]) do
      local headers = { ["Authorization"] = "Bearer " .. token }
      if args[2] then
         headers["Content-Type"] = "application/octet-stream"
         requests[1] = wrk.format("POST", nil, headers, string.rep("x", tonumber(args[2])))
         return
      end
      requests[#requests + 1] = wrk.format("GET", nil, headers)
   end
end

function request()
   next = next % #requests + 1
   return requests[next]
end

function done(summary, latency, _)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"seconds":%f,"bytes":%d,"p50":%f,"p99":%f,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration / 1e6, summary.bytes,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      e.status, e.connect + e.read + e.write + e.timeout))
end
