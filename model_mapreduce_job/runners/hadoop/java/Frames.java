package modelmapreducejob;

/** What stands at the beginning of each frame between Hadoop and a task's process; its length follows. */
final class Frames {
  /** To the process: from here on blocks are of another split, whose place this is. */
  static final byte PLACE = 'P';
  /** Bytes of the input, or of the part that the process writes. */
  static final byte BLOCK = 'B';
  /** What the process reports, or a piece of it. */
  static final byte REPORT = 'R';
  /** The end of what the process writes, without which it is not whole. */
  static final byte END = 'E';

  private Frames() {}
}
