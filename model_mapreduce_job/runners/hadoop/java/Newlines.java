package modelmapreducejob;

import java.nio.ByteBuffer;

/** Where lines end in bytes: at a line feed alone. */
final class Newlines {
  private static final long LOW_BITS = 0x7f7f7f7f7f7f7f7fL;
  private static final long EIGHT = 0x0a0a0a0a0a0a0a0aL;

  private Newlines() {}

  /** Returns the place of the first line feed in bytes[from, to), -1 when there is none. */
  static int first(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == '\n') {
        return i;
      }
    }
    return -1;
  }

  /** Returns how many line feeds there are in bytes[0, to). */
  static long count(byte[] bytes, int to) {
    ByteBuffer words = ByteBuffer.wrap(bytes);
    long count = 0;
    int i = 0;
    for (; i + Long.BYTES <= to; i += Long.BYTES) {
      long word = words.getLong(i) ^ EIGHT;
      count += Long.bitCount(~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS)); // a bit for each zero byte
    }
    for (; i < to; i++) {
      if (bytes[i] == '\n') {
        count++;
      }
    }
    return count;
  }
}
