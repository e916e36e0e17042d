/** What stands between a vision encoder and a text decoder. */
module io.github.vlm4j.connector {
  requires transitive io.github.vlm4j.core;

  exports io.github.vlm4j.connector;
}
