// /// script
// dependencies = ["@portkey-ai/gateway@1.15.2"]
// [tool.streamproof]
// headers = {x-portkey-provider = "openai", x-portkey-custom-host = "{base}"}
// note = """As it comes from npm it answers every stream with a 500, for it changes the headers of what Node's fetch gives it, which are
// immutable (https://github.com/Portkey-AI/gateway/issues/1389). It was judged with headers that can be changed; nothing else is altered."""
// ///
// Portkey's gateway: node portkey.mjs UPSTREAM PORT. Each request names its upstream.

const { fetch } = globalThis
globalThis.fetch = async (...asked) => {
  const response = await fetch(...asked)
  return new Response(response.body, response)
}
process.env.TRUSTED_CUSTOM_HOSTS = '127.0.0.1'
process.argv.push('--headless', `--port=${process.argv[3]}`)
await import('@portkey-ai/gateway/build/start-server.js')
