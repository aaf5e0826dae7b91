package modelmapreducejob;

import java.io.IOException;
import java.io.OutputStream;

/** A command's standard output or error, in frames; a prompt one is sent at each flush. */
final class Answer extends OutputStream {
  private static final int FRAME_BYTES = 1 << 16;

  private final Replies replies;
  private final int kind;
  private final boolean prompt;
  private final byte[] bytes = new byte[FRAME_BYTES];
  private int length;
  private volatile boolean refused;

  Answer(Replies replies, int kind, boolean prompt) {
    this.replies = replies;
    this.kind = kind;
    this.prompt = prompt;
  }

  /** Lets all that is written from now on fail, since nobody wants it; returns this. */
  Answer refusing() {
    refused = true;
    return this;
  }

  @Override
  public synchronized void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public synchronized void write(byte[] given, int from, int count) throws IOException {
    int done = 0;
    while (done < count) {
      if (refused) {
        throw new IOException("nobody reads on");
      }
      int some = Math.min(count - done, bytes.length - length);
      System.arraycopy(given, from + done, bytes, length, some);
      length += some;
      done += some;
      if (length == bytes.length) {
        send();
      }
    }
  }

  @Override
  public synchronized void flush() throws IOException {
    if (prompt) {
      send();
    }
  }

  synchronized void send() throws IOException {
    if (length > 0) {
      replies.write(kind, bytes, 0, length);
      length = 0;
    }
  }
}
