package modelmapreducejob;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What a {@link CommandServer} writes: after one line, frames of a kind, a length and that number of bytes.
 *
 * <p>Each command's answer is one frame {@link #BEGUN}, any of {@link #OUT} and {@link #ERR}, and one
 * {@link #CODE}.
 */
final class Replies {
  static final int BEGUN = 'b';
  static final int OUT = 'o';
  static final int ERR = 'e';
  static final int CODE = 'x';
  /** The code that says that a command was not run, since it needs a Java machine of its own. */
  static final int NOT_HERE = 1 << 20;

  private static final String READY = "model_mapreduce_job commands 1\n";

  private final DataOutputStream output =
      new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));

  /** Says that requests can come, and which ones. */
  synchronized void ready() throws IOException {
    output.write(READY.getBytes(StandardCharsets.US_ASCII));
    output.flush();
  }

  synchronized void write(int kind, byte[] bytes, int from, int length) throws IOException {
    output.writeByte(kind);
    output.writeInt(length);
    output.write(bytes, from, length);
    output.flush();
  }

  synchronized void code(int code) throws IOException {
    output.writeByte(CODE);
    output.writeInt(Integer.BYTES);
    output.writeInt(code);
    output.flush();
  }
}
