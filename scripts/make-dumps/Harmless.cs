// A harmless .NET program that decrypts made-up settings of a client to strings and waits for a line on its input.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

class Harmless
{
    // Each record: u32 length, bytes XORed with 0xA7 + 13 * their number.
    static void Main(string[] names)
    {
        var settings = new List<string>();
        using (var reader = new BinaryReader(File.OpenRead(names[0])))
            while (reader.BaseStream.Position < reader.BaseStream.Length)
            {
                byte[] bytes = reader.ReadBytes(reader.ReadInt32());
                for (int i = 0; i < bytes.Length; i++) bytes[i] ^= (byte)(0xA7 + 13 * i);
                settings.Add(Encoding.UTF8.GetString(bytes));
                Array.Clear(bytes, 0, bytes.Length);
            }
        Console.WriteLine("ready");
        Console.ReadLine();
        GC.KeepAlive(settings);
    }
}
