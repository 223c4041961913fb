return {
  ingress = { listen = { "0.0.0.0:8443" } },
  peers   = {
    trust_anchors = "system",                              -- or a PEM file
    resolve = { ["peer.example.test"] = "127.0.0.1:9443" },
  },
  instances = {
    ["a.example.test"] = {
      upstream = "http://127.0.0.1:9001",
      federation = { default_mode = "invite_only", allowed_peers = { "peer.example.test" } },
    },
  },
}
