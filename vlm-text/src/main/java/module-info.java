/** Tokenizers, chat templates and text decoders. */
module io.github.vlm4j.text {
  requires transitive io.github.vlm4j.core;
  requires ai.djl.api;
  requires ai.djl.tokenizers;
  requires org.jsoup;

  exports io.github.vlm4j.text.contrastive;
  exports io.github.vlm4j.text.decoder;
  exports io.github.vlm4j.text.generate;
  exports io.github.vlm4j.text.template;
  exports io.github.vlm4j.text.tokenizer;
  exports io.github.vlm4j.text.encoder;
}
