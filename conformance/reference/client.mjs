#!/usr/bin/env node
// The reference client for Node ≥ 20: a streaming chat-completions client over SSE and WebSocket, with its adapter. No dependencies.
// It does what client.py does, each concept in the module of the same name, on promises: every wait is a race with the run's limits,
// and nothing is read ahead of the caller but one bounded buffer.

import { Adapter } from './adapter.mjs'

await new Adapter().serve(process.stdin, process.env)
