package io.github.vlm4j.core.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A picture passed the vision encoder and the connector. */
@Name("io.github.vlm4j.ImageEncode")
@Label("Image Encode")
@Description("A picture passed the vision encoder and the connector")
@Category("VLM4J")
@StackTrace(false)
public final class ImageEncodeEvent extends Event {

  /** The patches the encoder read. */
  @Label("Patches")
  public int patches;

  /** The embeddings the decoder will read. */
  @Label("Tokens")
  public int tokens;

  /** Creates an event that has not begun. */
  public ImageEncodeEvent() {}
}
