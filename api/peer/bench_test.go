package peer

const benchServerEnv = "GAZETTEER_PEER_BENCH_SERVER"

func runBenchServer() {}
